"""The server goes away: when do the official clients notice, and when are they connected again?"""
