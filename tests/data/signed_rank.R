# What R makes of small data sets, for tests/unit/arithmetic/test_signed_rank.py:
#     Rscript tests/data/signed_rank.R > tests/data/signed_rank.json
# The ends of R's two-sided 90 % interval are one-sided 95 % bounds.
set.seed(20261101)

number <- function(x) sprintf("%.17g", x)

case <- function(values) {
  greater <- wilcox.test(values, exact = TRUE, alternative = "greater")
  less <- wilcox.test(values, exact = TRUE, alternative = "less")
  both <- wilcox.test(values, exact = TRUE, conf.int = TRUE, conf.level = 0.90)
  sprintf(
    '  {"values": [%s],\n   "greater": %s, "less": %s, "estimate": %s, "lower": %s, "upper": %s}',
    paste(number(values), collapse = ", "),
    number(greater$p.value), number(less$p.value), number(both$estimate),
    number(both$conf.int[1]), number(both$conf.int[2])
  )
}

cases <- c(
  # An effect that is hard to tell, at every number of pairs.
  sapply(5:24, function(n) case(round(rnorm(n, 0.02, 0.03), 6))),
  # All above 0, all below, and tails without a variance.
  case(round(runif(6, 0.05, 0.15), 6)),
  case(round(runif(9, -0.15, -0.05), 6)),
  sapply(c(7, 12, 18, 24), function(n) case(round(rcauchy(n, 0.02, 0.03), 6)))
)

cat(sprintf('{"r": "%s", "cases": [\n', R.version$version.string))
cat(paste(cases, collapse = ",\n"), "\n]}\n", sep = "")
