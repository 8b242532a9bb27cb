-- The shortest call: connected, half a second, over. No audio files are needed.
return caller {
  run = function(call)
    check(call:wait_answer { limit = 30 }, "the call was answered")
    call:wait(0.5)
    call:hangup()
  end,
}
