-- Picks up and puts down again before anybody could say a word.
return callee {
  truth = "hung_up_early",
  run = function(call)
    call:ring(uniform(2, 10))
    call:answer()
    call:wait(uniform(1.1, 1.9)) -- below a second the network itself dropped it
    call:hangup()
  end,
}
