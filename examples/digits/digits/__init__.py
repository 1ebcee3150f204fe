"""Handwritten digits, learnt together: a Flower app with the message API and logistic regression."""
