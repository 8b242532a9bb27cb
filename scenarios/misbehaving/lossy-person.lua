-- A person behind a bad radio link: one packet in ten is lost, in bursts, and the rest is uneven.
return callee {
  truth = "human",
  run = function(call)
    call:impair { loss = 10, burst = 3, jitter = 0.03, duplicate = 0.5 }
    call:ring(exp(6, { min = 1, max = 20 }))
    call:answer()
    call:play(pick("human"))
    call:wait_hangup(60)
  end,
}
