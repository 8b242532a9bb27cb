return agent { run = function(call) call:answer() call:wait_hangup(60) end }
