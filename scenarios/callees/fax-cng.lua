-- A fax that was set to send: after answering it calls with 1100 Hz, half a second every 3.5 s.
return callee {
  truth = "fax",
  run = function(call)
    call:ring(uniform(1, 6))
    call:answer()
    call:wait(uniform(0.5, 1.5))
    call:tone("cng", 30)
  end,
}
