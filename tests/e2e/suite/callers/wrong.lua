return caller { run = function(call)
  call:wait_answer { limit = 10 }
  check(call:got("INFO"))
  check(call:hears_tone("busy", { within = 1 }))
  expect(call:got_code("4xx"))
end }
