-- A person at home: picks up, says a short hello, waits for someone to speak.
return callee {
  truth = "human",
  run = function(call)
    call:ring(exp(7, { min = 1.5, max = 20 }))
    call:answer()
    call:wait(uniform(0.2, 0.9)) -- the handset on its way to the ear
    call:mark("greeting")
    call:play(pick("human"), { limit = 8 })
    call:mark("greeting_end")
    local patience = exp(setting("patience_mean", 6), { min = 2, max = 20 })
    if not call:listen { "speech", limit = patience } then
      call:mark("gave_up")
      call:hangup()
      return
    end
    call:mark("agent_heard")
    while call:age() < setting("talk_limit", 180) do
      call:wait(exp(4, { min = 0.5, max = 12 })) -- the agent's turn
      call:play(pick("human"), { limit = 8 })
    end
  end,
}
