"""The load test: what locustfile.py and scripts/load-compare.sh are made of."""
