-- A voicemail: greets, beeps, records until the far side hangs up.
return callee {
  truth = "machine",
  run = function(call)
    call:ring(exp(14, { min = 6, max = 28 }))
    call:answer()
    call:wait(uniform(0.3, 1.2))
    call:mark("greeting")
    call:play(pick("machine"), { limit = 60 })
    call:mark("greeting_end")
    call:wait(uniform(0.2, 1.2))
    call:tone(uniform(600, 2000), uniform(0.15, 0.8), { level = uniform(-22, -8) })
    call:mark("beep")
    local message = call:record { limit = 120, silence = 8 }
    call:mark(message.speech > 0.5 and "message" or "no_message")
  end,
}
