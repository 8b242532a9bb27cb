-- The network has no free path: fast busy in early media, then the code.
return callee {
  truth = "congestion",
  run = function(call)
    call:wait(uniform(0.3, 1.5))
    call:progress()
    call:tone("reorder", 10)
    call:reject(503, "Service Unavailable", 34)
  end,
}
