-- An agent: the engine calls this leg and keeps it up. The agent waits for a voice, talks until the
-- drawn talk time is over, and ends the conversation by hanging up; the engine calls again after
-- wrap-up.
return agent {
  limit = 24 * 3600,
  run = function(call)
    call:answer()
    local talk_time = lognormal(setting("talk_mean", 12), 0.6, { min = 3, max = 120 })
    if not call:listen { "speech", limit = 12 * 3600 } then
      return
    end
    call:mark("customer_heard")
    local until_age = call:age() + talk_time
    while call:age() < until_age do
      call:play(pick("talk"), { limit = until_age - call:age() })
      if call:age() < until_age then
        call:wait(math.min(exp(1.5, { min = 0.3, max = 5 }), until_age - call:age()))
      end
    end
    call:mark("talk_end")
    call:hangup()
  end,
}
