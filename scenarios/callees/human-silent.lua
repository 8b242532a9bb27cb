-- A person who picks up and says nothing: only a breath and the room are on the line. Speaks once
-- spoken to.
return callee {
  truth = "human_silent",
  run = function(call)
    call:ring(exp(8, { min = 2, max = 22 }))
    call:answer()
    call:mark("silent")
    if not call:listen { "speech", limit = exp(7, { min = 3, max = 20 }) } then
      call:mark("gave_up")
      call:hangup()
      return
    end
    call:mark("agent_heard")
    call:wait(uniform(0.5, 1.5))
    while call:age() < setting("talk_limit", 180) do
      call:play(pick("human"), { limit = 8 })
      call:wait(exp(4, { min = 0.5, max = 12 }))
    end
  end,
}
