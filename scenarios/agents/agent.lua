-- An agent: the engine calls this leg and keeps it up. The agent waits for a voice, talks until the
-- drawn talk time is over, and ends the conversation by hanging up; the engine calls again after
-- wrap-up. Who is put through to an agent and never speaks is the agent's to notice, too: the leg
-- cannot tell a silent customer from an idle line, so such a call ends by the customer.
return agent {
  limit = 24 * 3600,
  run = function(call)
    call:answer()
    local talk_time = lognormal(setting("talk_mean", 12), 0.6, { min = 3, max = 40 })
    local heard = call:listen { "speech", "beep", "tone", limit = 12 * 3600 }
    if not heard then
      return
    end
    if heard ~= "speech" then -- a machine or a network that the engine took for a person
      call:mark("heard_" .. heard)
      call:wait(uniform(1, 2))
      call:hangup()
      return
    end
    call:mark("customer_heard")
    local ends = call:age() + talk_time
    local left = talk_time
    while left > 0.1 do
      call:play(pick("talk"), { limit = left })
      left = ends - call:age()
      if left > 0.1 then
        call:wait(math.min(exp(1.5, { min = 0.3, max = 5 }), left))
        left = ends - call:age()
      end
    end
    call:mark("talk_end")
    call:hangup()
  end,
}
