def main(a):
  return {}