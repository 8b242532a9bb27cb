-- A telephone that is switched off: the network says so in early media, then by code.
return callee {
  truth = "unreachable",
  run = function(call)
    call:wait(uniform(1, 4)) -- the network looks for it
    call:progress()
    call:play(choose {
      "announcement/005.wav", "announcement/006.wav", "announcement/011.wav",
      "announcement/012.wav",
    }, { limit = 30 })
    call:reject(480, "Temporarily Unavailable", 20)
  end,
}
