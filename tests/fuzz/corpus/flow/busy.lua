-- The line is taken; the network says so by code.
return callee {
  truth = "busy",
  run = function(call)
    call:wait(uniform(0.2, 1.5))
    call:reject(486, "Busy Here", 17)
  end,
}
