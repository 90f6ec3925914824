// HelpText: what `--help` says.

/// The help of the program and of each command.
internal enum HelpText: String, CaseIterable {
    case waxwing
    case run
    case check
    case keys

    /// The command that shows it.
    var command: String { self == .waxwing ? "waxwing --help" : "waxwing \(rawValue) --help" }

    var text: String {
        switch self {
        case .waxwing:
            """
            Waxwing seals record values on their way into Apache Kafka and opens them on their way
            out. Clients connect to it as if it were Kafka.

            Usage:
              waxwing run --config FILE                     run the proxy
              waxwing check --config FILE                   check a configuration file
              waxwing keys create --keyring FILE NAME       make a key, and the keyring if needed
              waxwing keys list --keyring FILE [NAME]       list keys and their versions
              waxwing keys rotate --keyring FILE NAME       make a new version of a key
              waxwing keys status --config FILE [--json]    list what a running proxy holds
              waxwing COMMAND --help                        say more about a command
              waxwing --version                             print the version

            Exit codes:
              0  done
              1  it failed while running
              2  the command line or the configuration is wrong

            """
        case .run:
            """
            Usage: waxwing run --config FILE

            Runs the proxy that FILE describes until SIGTERM or SIGINT, then lets requests in
            flight finish. Log lines go to standard error.

            Options:
              --config FILE   the configuration, a YAML file (docs/CONFIG.md)
              --help          this text

            Exit codes: 0 ended as asked, 1 failed, 2 the configuration or a key is wrong.

            """
        case .check:
            """
            Usage: waxwing check --config FILE

            Checks FILE and says what it does. Nothing is started, and no keyring is opened.
            Everything that is wrong is printed as FILE:LINE:COLUMN: REASON.

            Options:
              --config FILE   the configuration, a YAML file (docs/CONFIG.md)
              --help          this text

            Exit codes: 0 valid, 2 not valid.

            """
        case .keys:
            """
            Usage: waxwing keys create --keyring FILE NAME
                   waxwing keys list --keyring FILE [NAME]
                   waxwing keys rotate --keyring FILE NAME
                   waxwing keys status --config FILE [--json]

            Makes and lists keys in a keyring file, which only its owner may read, and lists the
            data keys of a running proxy. Keys themselves are never printed.

              create   makes the first version of a key; makes the file when there is none
              list     prints name, version, status and time of creation of all keys, or of one
              rotate   makes a new version that seals from now on; older ones still open
              status   asks the proxy that runs with this configuration, at its admin socket,
                       for its data keys and for how its key services do

            Options:
              --keyring FILE   the keyring, a JSON Web Key Set
              --config FILE    the configuration, which names the admin socket
              --json           one JSON object per line instead of a table
              --help           this text

            Exit codes: 0 done, 1 failed, 2 the command line is wrong.

            """
        }
    }
}
