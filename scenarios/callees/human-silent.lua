-- A person who picks up and says nothing: the room is heard, and only after long seconds a hello.
return callee {
  truth = "human_silent",
  run = function(call)
    call:ring(exp(8, { min = 2, max = 22 }))
    call:answer()
    call:mark("silent")
    call:play(pick("room"), { loop = true, background = true })
    local heard = call:listen { "speech", limit = uniform(9, 13) }
    call:stop()
    if not heard then
      call:play(pick("human"), { limit = 8 })
      call:play(pick("room"), { loop = true, background = true })
      heard = call:listen { "speech", limit = exp(4, { min = 2, max = 12 }) }
    end
    if not heard then
      call:mark("gave_up")
      call:hangup()
      return
    end

    call:mark("agent_heard")
    call:stop()
    call:wait(uniform(0.5, 1.5))
    while call:age() < setting("talk_limit", 180) do
      call:play(pick("human"), { limit = 8 })
      call:wait(exp(4, { min = 0.5, max = 12 }))
    end
  end,
}
