// HelpText: what `--help` says.

/// The help of the program and of each command.
internal enum HelpText: String, CaseIterable {
    case waxwing
    case run
    case check
    case explain
    case open
    case inspect
    case keys

    /// The command that shows it.
    var command: String { self == .waxwing ? "waxwing --help" : "waxwing \(rawValue) --help" }

    var text: String {
        switch self {
        case .waxwing: HelpText.program
        case .run: HelpText.runText
        case .check: HelpText.checkText
        case .explain: HelpText.explainText
        case .open: HelpText.openText
        case .inspect: HelpText.inspectText
        case .keys: HelpText.keysText
        }
    }

    private static let program = """
        Waxwing seals record values on their way into Apache Kafka and opens them on their way
        out. Clients connect to it as if it were Kafka.

        Usage:
          waxwing run --config FILE                     run the proxy
          waxwing check --config FILE                   check a configuration file and its keys
          waxwing explain --config FILE --principal NAME --topic TOPIC
                                                        say what the rules do for a client
          waxwing open --config FILE [INPUT]            open records that were dumped
          waxwing inspect [INPUT]                       say how dumped records are sealed
          waxwing keys create --keyring FILE NAME       make a key, and the keyring if needed
          waxwing keys list --keyring FILE [NAME]       list keys and their versions
          waxwing keys rotate --keyring FILE NAME       make a new version of a key
          waxwing keys status --config FILE [--json]    list what a running proxy holds
          waxwing keys token --config FILE KEY          make the secret of keyed masks
          waxwing COMMAND --help                        say more about a command
          waxwing --version                             print the version

        Exit codes:
          0  done
          1  it failed while running
          2  the command line or the configuration is wrong

        """

    private static let runText = """
        Usage: waxwing run --config FILE

        Runs the proxy that FILE describes until SIGTERM or SIGINT, then lets requests in
        flight finish. Log lines go to standard error.

        Options:
          --config FILE   the configuration, a YAML file (docs/CONFIG.md)
          --help          this text

        Exit codes: 0 ended as asked, 1 failed, 2 the configuration or a key is wrong.

        """

    private static let checkText = """
        Usage: waxwing check --config FILE [--offline | --keys] [--sample TOPIC=FILE]...

        Checks FILE and says what it does; nothing is started. Everything that is wrong is
        printed as FILE:LINE:COLUMN: REASON. Keyring files are read to see whether the keys
        that rules name are there.

        Options:
          --config FILE         the configuration, a YAML file (docs/CONFIG.md)
          --offline             look into no keyring
          --keys                make and open a data key under each key, as the start does;
                                this asks Vaults too
          --sample TOPIC=FILE   values of a topic, one JSON document or one per line: names
                                paths that select nothing in them, and masks that do not fit
                                what they select; may be given several times
          --help                this text

        Exit codes: 0 valid, 1 a sample cannot be read, 2 not valid, or a key is wrong.

        """

    private static let explainText = """
        Usage: waxwing explain --config FILE --principal NAME [--group NAME]...
                               --topic TOPIC [--value FILE] [--json]

        Says which rules count for a client and a topic, what happens to produced values, and
        what the client sees. With a sample value it says what the broker would store, and
        what the client would read. Sealing is done with a key that nobody keeps.

        Options:
          --config FILE             the configuration, a YAML file (docs/CONFIG.md)
          --principal NAME          the client: User:NAME, or unknown
          --group NAME              a group of the client; may be given several times
          --topic TOPIC             the topic
          --value FILE              a sample value, such as a JSON document; - is standard input
          --key-header NAME=VALUE   the sample's header that names the key, where a rule has
                                    $(header:NAME)
          --record-key TEXT         the sample's record key, for masks that go by it
          --offline                 ask no key service for the secret of keyed masks
          --json                    one JSON object instead of text
          --help                    this text

        Exit codes: 0 done, 1 a file cannot be read, 2 the command line or FILE is wrong.

        """

    private static let openText = """
        Usage: waxwing open --config FILE [--topic TOPIC] [--format kcat|segment] [--raw] [INPUT]

        Opens sealed records of a dump with the configured keys, past all read rules, and
        prints each record as a JSON object in a line. Records that are not sealed are printed
        as they are. What does not open is named on standard error and left out.

        INPUT is what `kcat -C -J -e -q -b BROKER -t TOPIC` prints, or a segment file (.log) of
        a broker; without it, or for -, standard input is read.

        Options:
          --config FILE     the configuration, which names the key services
          --topic TOPIC     the topic that the records are of; needed for segment files
          --format FORMAT   kcat or segment; without it the first byte of INPUT tells
          --raw             print values only, each as it is with a newline behind it
          --help            this text

        Exit codes: 0 all opened, 1 some did not or INPUT is damaged, 2 the command line or
        FILE is wrong.

        """

    private static let inspectText = """
        Usage: waxwing inspect [--format kcat|segment] [--summary] [--json] [INPUT]

        Says of each record of a dump how it is sealed: form, compression, key, data key and
        sizes. Nothing is opened and no key is needed. INPUT is as for `waxwing open`.

        Options:
          --format FORMAT   kcat or segment; without it the first byte of INPUT tells
          --summary         print sums over all records and by key instead
          --json            JSON objects, one per line, instead of columns
          --help            this text

        Exit codes: 0 done, 1 INPUT is damaged or has records of an unknown form, 2 the
        command line is wrong.

        """

    private static let keysText = """
        Usage: waxwing keys create --keyring FILE NAME
               waxwing keys list --keyring FILE [NAME]
               waxwing keys rotate --keyring FILE NAME
               waxwing keys status --config FILE [--json]
               waxwing keys token --config FILE SERVICE/NAME

        Makes and lists keys in a keyring file, which only its owner may read, and lists the
        data keys of a running proxy. Keys themselves are never printed.

          create   makes the first version of a key; makes the file when there is none
          list     prints name, version, status and time of creation of all keys, or of one
          rotate   makes a new version that seals from now on; older ones still open
          status   asks the proxy that runs with this configuration, at its admin socket,
                   for its data keys and for how its key services do
          token    makes a secret for keyed masks, wrapped by the key SERVICE/NAME, and prints
                   the `tokenKey` line for the configuration; another secret makes other tokens

        Options:
          --keyring FILE   the keyring, a JSON Web Key Set
          --config FILE    the configuration, which names the admin socket and key services
          --json           one JSON object per line instead of a table
          --help           this text

        Exit codes: 0 done, 1 failed, 2 the command line is wrong.

        """
}
