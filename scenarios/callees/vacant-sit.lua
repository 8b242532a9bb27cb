-- A number that nobody has; told by special information tones and an announcement in early media.
return callee {
  truth = "vacant",
  run = function(call)
    call:wait(uniform(0.3, 1.2))
    call:progress()
    call:sit("vc")
    call:mark("sit")
    call:play(pick("announcement"), { limit = 30 })
    call:reject(404, "Not Found", 1)
  end,
}
