-- A person at home: picks up, says a short hello, waits for someone to speak.
return callee {
  truth = "human",
  run = function(call)
    call:ring(exp(7, { min = 1.5, max = 20 }))
    call:answer()
    call:wait(uniform(0.2, 0.9))
    call:mark("greeting")
    call:play(pick("human"), { limit = 8 })
    call:mark("greeting_end")

    -- Hears nobody: says hello again now and then, until patience is over.
    local left = exp(setting("patience_mean", 6), { min = 2, max = 20 })
    local heard
    repeat
      local pause = math.min(uniform(1.5, 3), left)
      heard = call:listen { "speech", limit = pause }
      left = left - pause
      if not heard and left > 0 then call:play(pick("human"), { limit = 8 }) end
    until heard or left <= 0
    if not heard then
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
