-- The line is taken; an old switch says so by a tone in early media, and by code only much later.
return callee {
  truth = "busy",
  run = function(call)
    call:wait(uniform(0.3, 1.5))
    call:progress()
    call:tone("busy", 12)
    call:reject(486, "Busy Here", 17)
  end,
}
