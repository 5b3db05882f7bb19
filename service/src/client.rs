//! A client of the service, sharing its wire types.
