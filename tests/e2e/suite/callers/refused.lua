return caller { run = function(call)
  call:wait_hangup(10)
  check(call:got_code(486))
  check(call:got_header(486, "Reason", "cause=17"))
end }
