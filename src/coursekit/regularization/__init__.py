"""Keep a network from fitting noise: penalties, dropout, augmentation, stopping."""
