-- The line is taken; the network says so by an announcement in early media, then by code.
return callee {
  truth = "busy",
  run = function(call)
    call:wait(uniform(0.3, 1.5))
    call:progress()
    call:play(choose { "announcement/009.wav", "announcement/013.wav" }, { limit = 30 })
    call:reject(486, "Busy Here", 17)
  end,
}
