-- Answered, packets come, and there is nothing in them but digital silence.
return callee {
  truth = "dead_air",
  run = function(call)
    call:ring(uniform(1, 8))
    call:answer()
    call:wait_hangup(30)
  end,
}
