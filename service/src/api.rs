//! HTTP: parses into domain types, calls, converts back. The only place that knows statuses.
