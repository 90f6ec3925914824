// waxwing: the executable: the command line in, the exit code out.

import App
import Glibc

exit(waxwing(arguments: Array(CommandLine.arguments.dropFirst())))
