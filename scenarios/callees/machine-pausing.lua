-- A voicemail whose greeting begins like a person: a short hello, a pause, then the rest and a beep.
return callee {
  truth = "machine",
  run = function(call)
    call:ring(exp(14, { min = 6, max = 28 }))
    call:answer()
    call:wait(uniform(0.3, 0.8))
    call:mark("greeting")
    call:play(pick("human"), { limit = 8 })
    call:silence(uniform(0.5, 1.4))
    call:play(pick("machine"), { limit = 60 })
    call:mark("greeting_end")
    call:wait(uniform(0.2, 0.8))
    call:tone(uniform(800, 1400), uniform(0.2, 0.6))
    call:mark("beep")
    call:record { limit = 60, silence = 8 }
  end,
}
