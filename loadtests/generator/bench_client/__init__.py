"""What our load client costs, beside the server that it measures and beside other clients."""
