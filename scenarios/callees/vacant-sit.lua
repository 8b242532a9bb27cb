-- A number that nobody has; told by special information tones and an announcement in early media.
return callee {
  truth = "vacant",
  run = function(call)
    call:wait(uniform(0.3, 1.2))
    call:progress()
    call:sit("vc")
    call:mark("sit")
    call:play(choose {
      "announcement/001.wav", "announcement/002.wav", "announcement/004.wav",
      "announcement/008.wav", "announcement/010.wav", "announcement/014.wav",
      "announcement/015.wav",
    }, { limit = 30 })
    call:reject(404, "Not Found", 1)
  end,
}
