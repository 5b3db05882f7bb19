// The module that is translated to Rust: every stage the CPU driver calls. Traversal is native there; the WGSL one is
// translated as its oracle.
#import stage/generate
#import stage/shade
#import stage/pane
#import stage/guide
#import stage/seen
#import stage/arriving
#import stage/opacity
#import lib/film
#import stage/trace
