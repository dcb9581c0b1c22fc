"""Stands in for the code of the published checkpoint, which jina-on-prem loads: the task chooses the adapter.  Copied to custom_st.py."""
from sentence_transformers.models import Transformer as Base


def folder_of(task):
    return task.replace(".", "_").replace("-", "_")


class Transformer(Base):
    def __init__(self, model_name_or_path, **options):
        super().__init__(model_name_or_path, **options)
        self.names = ["retrieval_query", "retrieval_passage", "separation", "classification", "text_matching"]
        for name in self.names:
            self.auto_model.load_adapter(model_name_or_path, adapter_name=name, adapter_kwargs={"subfolder": name})

    def forward(self, features, task=None, **options):
        if task is None:
            self.auto_model.disable_adapters()
        else:
            self.auto_model.enable_adapters()
            self.auto_model.set_adapter(folder_of(task))
        return super().forward(features)
