return caller { run = function(call)
  expect(call:wait_answer { limit = 10 }, "the call was answered")
  call:play("greeting.wav", { loop = true, background = true })
  check(call:one_way { within = 6 })
  call:hangup()
end }
