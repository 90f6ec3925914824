// Version: what this build calls itself.

/// The version of the product (semver.org).
internal let version = "0.1.0"
