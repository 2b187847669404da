"""What is special about Qoo10 beside the contract every mall keeps."""
