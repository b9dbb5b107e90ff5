"""What the sandbox's cloud knows, and its rules; no wire formats here.

Every public method may be called from any thread. What is wrong with a request is said by an exception of `errors`.
"""
