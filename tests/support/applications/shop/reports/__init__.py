WHOSE = "the shop's"
