-- Nobody at home: it rings until the caller gives up, or the network does after a minute.
return callee {
  truth = "no_answer",
  run = function(call)
    call:wait(uniform(0.3, 1.5))
    call:ring(60)
    call:reject(480, "Temporarily Unavailable", 19)
  end,
}
