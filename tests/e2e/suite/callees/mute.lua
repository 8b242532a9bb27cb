-- Answers, and no packet of audio ever comes from it.
return callee { truth = "no_media", run = function(call)
  call:mute(true)
  call:answer()
  call:wait_hangup(20)
end }
