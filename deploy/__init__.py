"""What deploying and keeping the project needs: generated files and their generators."""
