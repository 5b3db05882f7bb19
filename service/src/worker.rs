//! What computes pictures: it gets self-contained work and reports events, and knows neither database nor HTTP.
