"""What every handler uses: context, inputs, keyboards, texts, menus, errors."""
