"""DynamoDB's expressions as AWS reads them: grammar, checks and evaluation; knows no emulator.

`request` is the way in. Sources of AWS's messages and rules: the DynamoDB Developer Guide
(Expressions), and two test suites that run on AWS: architect/dynalite c5e5b46 (`test/*.js`) and
nubo-db/dynamodb-conformance 0ba4393.
"""
