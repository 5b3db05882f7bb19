//! Files by their content, for each tenant.
