//! Settings: from the command line, the environment, a file, in this order.
