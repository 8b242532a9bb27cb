-- A voicemail that takes no message: says so and hangs up.
return callee {
  truth = "mailbox_full",
  run = function(call)
    call:ring(exp(14, { min = 6, max = 28 }))
    call:answer()
    call:wait(uniform(0.3, 1.0))
    call:play(pick("mailbox-full"), { limit = 40 })
    call:wait(uniform(0.5, 2))
  end,
}
