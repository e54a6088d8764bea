"""What admins look at: reports, the audit log, broadcasts."""
