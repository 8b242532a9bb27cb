-- A voicemail that records after its greeting without a beep.
return callee {
  truth = "machine",
  run = function(call)
    call:ring(exp(14, { min = 6, max = 28 }))
    call:answer()
    call:wait(uniform(0.3, 1.2))
    call:mark("greeting")
    call:play(pick("machine"), { limit = 60 })
    call:mark("greeting_end")
    local message = call:record { limit = 60, silence = 8 }
    call:mark(message.speech > 0.5 and "message" or "no_message")
  end,
}
