//! What the service decides, without HTTP, SQL, JSON or clocks: states and what may follow them.
