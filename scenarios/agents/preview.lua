-- An agent of a preview campaign: a tone on the leg offers a lead. The agent looks at it for a moment
-- and presses 1 to dial or 2 to skip, or does nothing and lets the engine dial when its preview time
-- is over. Then they talk to who answers, as any agent does, and hang up.
return agent {
  limit = 24 * 3600,
  run = function(call)
    call:answer()
    local heard = "beep"
    while heard ~= "speech" do
      heard = call:listen { "speech", "beep", "tone", limit = 12 * 3600 }
      if not heard then
        return
      end
      if heard ~= "speech" then
        local does = choose { dials = setting("preview_dials", 7), skips = setting("preview_skips", 2),
                              waits = setting("preview_waits", 1) }
        call:wait(uniform(0.3, 1))
        call:mark(does)
        if does ~= "waits" then
          call:send_dtmf(does == "dials" and "1" or "2")
        end
      end
    end
    call:mark("customer_heard")
    call:play(pick("talk"), { limit = lognormal(setting("talk_mean", 12), 0.6, { min = 2, max = 40 }) })
    call:mark("talk_end")
    call:hangup()
  end,
}
