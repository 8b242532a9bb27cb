-- A firm's auto-attendant: reads its menu twice, takes a key, then plays music for a while.
return callee {
  truth = "ivr",
  run = function(call)
    call:ring(uniform(0.5, 3))
    call:answer()
    call:wait(uniform(0.2, 0.6))
    local key = call:menu { prompt = pick("ivr"), keys = "0123456789", wait = 5, again = 1 }
    if not key then
      call:mark("no_key")
      return
    end
    call:mark("key_" .. key)
    call:play(pick("music"), { loop = true, limit = 60 })
  end,
}
